"""A workplace day: 38 real sessions behind a 63 A fuse, at real day-ahead prices."""

from ocpp_schedule import example_path, load_scenario, schedule

day = load_scenario(example_path("workplace_day"))
plan = schedule(day.site, day.sessions, day.tariff, day.grid, limits=day.limits, forecasts=day.forecasts)

print(f"{plan.status}: {len(day.sessions)} cars, {sum(plan.energy_wh.values()) / 1000:.0f} kWh")
print(f"cost  {plan.cost:7.2f} {day.tariff.currency}, uncontrolled {plan.uncontrolled.cost:7.2f}")
print(f"peak  {plan.peak_w / 1000:7.1f} kW,  uncontrolled {plan.uncontrolled.peak_w / 1000:7.1f}")

messages = plan.to_ocpp()  # each charger in its own OCPP version, floors first
print(f"{len(messages)} messages; the last: {messages[-1]['version']} {messages[-1]['station']}")
print(messages[-1]["payload"])
