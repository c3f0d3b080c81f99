"""What came of a sweep, also of one that is still running: python scripts/report.py PATH."""

import sys

import hydra

from jaxrnn.config import refusals


@hydra.main(version_base="1.3", config_path="../conf", config_name="report")
@refusals()
def main(cfg):
    from jaxrnn import report

    print(report.write(report.read(cfg.path, cfg.metric)))


if __name__ == "__main__":
    with refusals():
        sys.argv[1:] = [text if "=" in text or text.startswith("-") else f"path='{text}'" for text in sys.argv[1:]]
        main()
