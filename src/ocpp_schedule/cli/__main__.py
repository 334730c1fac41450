"""``python -m ocpp_schedule.cli``."""

from __future__ import annotations

from ocpp_schedule.cli import main

raise SystemExit(main())
