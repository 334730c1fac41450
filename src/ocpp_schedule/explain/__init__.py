"""Why a plan is as it is: shortfalls and what limits them."""
