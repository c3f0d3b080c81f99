"""Makes the data files that ship with the package from the packages that they come from.

pip install -e .[assets] && python scripts/build_assets.py
"""

import hashlib
from pathlib import Path

import statsmodels.datasets.sunspots

SHA256 = "cc303d26340b6d599bc2878899f8c50c12323dc04b52a26ad047965ea2b9d2a3"
DATA = Path(__file__).parents[1] / "src/jaxrnn/data"


def main():
    source = Path(statsmodels.datasets.sunspots.__file__).parent / "src/sunspots_monthly.dat"
    content = source.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{source} is not the file that statsmodels 0.15.0 ships (sha256 {SHA256})")
    rows = [
        line.split() for line in content.decode().splitlines() if line[:4].isdigit() and line < "2009"
    ]  # preliminary
    lines = [f"{year}-{month:02},{value}" for year, *months in rows for month, value in enumerate(months, 1)]
    (DATA / "sunspots.csv").write_text("\n".join(["month,sunspots", *lines]) + "\n")
    print(f"wrote {len(lines)} values to {DATA / 'sunspots.csv'}")


if __name__ == "__main__":
    main()
