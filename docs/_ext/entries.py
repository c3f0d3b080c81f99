"""Lists the commands of the gallery: one for every reproduction, study and data set, in full or in a quick form."""

from dataclasses import dataclass, field
from itertools import product
from math import pi, sin
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
QUICK_PAPERS = 60  # seconds; the site runs longer reproductions in their quick form, docs/papers has the full form
WIDTH = "figure.width=5"


@dataclass(frozen=True)
class Entry:
    """Command of the gallery.

    Fields:
      kind: "papers", "studies" or "data".
      name: name of the choice.
      words: the command's arguments.
      module: the file in src/jaxrnn that the command demonstrates.
      table: the file whose rows its page shows; "" to show the output of the command.
      cost: approximate time in seconds; the longest commands start first.
      first: names of the figures that its page prefers to show.
      files: {name: content} of the files that the command reads from its working directory.
      brief: whether the command computes so little that it is compiled with few optimisations.
    """

    kind: str
    name: str
    words: tuple
    module: str
    table: str = ""
    cost: float = 10
    first: tuple = ()
    files: dict = field(default_factory=dict, hash=False, compare=False)
    brief: bool = False

    @property
    def program(self):
        return {"papers": "reproduce", "studies": "study", "data": "train"}[self.kind]

    @property
    def choice(self):
        return f"{ {'papers': 'paper', 'studies': 'study', 'data': 'data'}[self.kind] }={self.name}"

    @property
    def command(self):
        words = " ".join(f"'{word}'" if set(word) & set("[]{} ") else word for word in self.words)
        return f"jaxrnn {self.program} {words}"

    def shown(self, figures):
        """Returns the names of the figures that the page shows, in order."""
        preferred = [name for name in self.first if name in figures]
        return preferred or figures[:3]


def names(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml") if path.stem != "custom")


def entries(quick, day=None):
    """Returns the entries of the gallery: all of them, or for a day N one quarter, which changes daily."""
    everything = [*papers(quick), *studies(quick), *data(quick)]
    return everything if day is None else everything[-day % 4 :: 4]


def papers(quick):
    for name in names("paper"):
        last = (ROOT / "docs" / "papers" / f"{name}.md").read_text().splitlines()[-1]
        seconds = float(last.rpartition(", ")[2].removesuffix(" s"))
        short = ("quick=true",) if quick or seconds > QUICK_PAPERS else ()
        yield Entry(
            "papers", name, (f"paper={name}", *short, WIDTH), f"papers/{name}.py", "claims.csv", min(seconds, 60)
        )


GRU = ("seeds=2", "compare=[gru]")
TWO = ("seeds=2", "compare=[elman,gru]")
BRIEF = (*GRU, "data.length=30", "trainer.steps=40", "trainer.report_every=40")
STUDIES = {  # the quick form of a study: fewer networks of fewer kinds, with shorter training
    "clipping": ("seeds=1", "study.thresholds=[1.0]", "trainer.steps=100"),
    "credit": BRIEF,
    "dimension": BRIEF,
    "fixed_points": ("trainer.steps=200", "study.starts=32"),
    "gain": ("seeds=2", "study.gains=6", "study.lengths=4", "study.sizes=[16]"),
    "gates": GRU,
    "landscape": (*BRIEF, "study.points=7"),
    "long_lag": (*GRU, "study.lengths=[22,26]", "study.max_sequences=400"),
    "newton_steps": ("seeds=1", "compare=[elman]", "study.gains=4", "study.lengths=3"),
    "online_gradients": (*GRU, "study.lengths=[2,5]", "study.rules=[snap_1,eprop]"),
    "online_training": ("seeds=2", "compare=[elman]", "study.rules=[bptt,snap_1]", "study.updates=100"),
    "similarity": (*TWO, "data=reber", "trainer.steps=40", "trainer.report_every=40"),
}


LONGER = {"long_lag": ("study.lengths=[50,100]",)}  # studies that take minutes; docs/studies.md has their full form


def studies(quick):
    for name in names("study"):
        short = STUDIES.get(name, GRU) if quick else LONGER.get(name, ())
        yield Entry("studies", name, (f"study={name}", *short, WIDTH), f"studies/{name}.py", cost=60, brief=quick)


LABELS = "text,label\n" + "".join(
    f"{a}{b}{c}{d},{'vowel' if a in 'aeiou' else 'consonant'}\n"
    for a, b, c, d in product("aeioubdgmt", "lnr", "aeiou", "kst")
)
PAIRS = "".join(f"{number}\t{' '.join(str(number))}\n" for number in range(0, 3000, 7))
LEVELS = "hour,level\n" + "".join(
    f"{hour},{50 + 8 * sin(2 * pi * hour / 24) + 3 * sin(2 * pi * hour / 168):.3f}\n" for hour in range(700)
)
USER_FILES = {  # data sets that read a file of the user: its name, its content, further words
    "csv": ("levels.csv", LEVELS, ("data.column=level",)),
    "labels": ("labels.csv", LABELS, ()),
    "pairs": ("pairs.txt", PAIRS, ()),
}
LONG = {  # data sets whose default run takes minutes; docs/data.md has the results of the full runs
    "addition": ("trainer.steps=2500",),
    "dates": ("trainer.steps=1000",),
    "g2p": ("data.words=5000", "trainer.steps=600"),
    "language": ("trainer.steps=1000",),
    "text": ("trainer.steps=1000",),
}
QUICK = ("model.cell.size=12", "trainer.steps=20", "trainer.report_every=20")
SMALL = {  # words that make the data or the network smaller in the quick form
    "addition": ("data.examples=1000", "data.validation=100"),
    "g2p": ("data.words=500", "data.validation=100", "data.test=100"),
    "dates": ("data.examples=500", "data.validation=100", "data.test=100"),
    "language": ("model.layers=1", "model.dropout=null", "trainer.batch_size=16"),
    "tagging": ("model.embedding=8",),
    "vowels": ("model.layers=1", "model.dropout=null"),
}


def data(quick):
    for name in names("data"):
        path, content, more = USER_FILES.get(name, (None, None, ()))
        short = (*SMALL.get(name, ()), *QUICK) if quick else LONG.get(name, ())
        choice = (f"data={name}", *(() if path is None else (f"data.path={path}",)), *more)
        first = ("generation", "prediction", "learning_curves")
        files = {} if path is None else {path: content}
        words = (*choice, *short, WIDTH)
        yield Entry("data", name, words, f"data/{name}.py", cost=20, first=first, files=files, brief=quick)
