"""What the constants of an asset can be: bounds that no machine passes, whatever its size."""

from typing import Annotated

import msgspec

# Beyond any plant; keeps infinity out.
_MOST = 1e9

Positive = Annotated[float, msgspec.Meta(gt=0.0, le=_MOST)]
NotNegative = Annotated[float, msgspec.Meta(ge=0.0, le=_MOST)]
Signed = Annotated[float, msgspec.Meta(ge=-_MOST, le=_MOST)]
Percent = Annotated[float, msgspec.Meta(ge=0.0, le=100.0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Celsius = Annotated[float, msgspec.Meta(ge=-273.15, le=1000.0)]
Hour = Annotated[float, msgspec.Meta(ge=0.0, le=24.0)]
