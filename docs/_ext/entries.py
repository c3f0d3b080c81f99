"""What the gallery runs: a command for every reproduction, study and data set, in full and in its quick form."""

from dataclasses import dataclass, field
from itertools import product
from math import pi, sin
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
QUICK_PAPERS = 60  # seconds of a reproduction above which the site runs its quick form; docs/papers has the other
WIDTH = "figure.width=5"


@dataclass(frozen=True)
class Entry:
    """A command of the gallery.

    Fields:
      kind: "papers", "studies" or "data".
      name: of the choice.
      words: the command's arguments.
      module: the file in src/jaxrnn that it is about.
      table: the file whose rows its page shows; "" for what the command printed.
      cost: about how many seconds it takes, the longest are begun first.
      first: the figures that its page shows first, if they are there.
      files: {name: content} of what the command reads from where it is run.
      brief: whether it computes so little that programs are compiled with few optimisations.
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
    def script(self):
        return {"papers": "reproduce", "studies": "study", "data": "train"}[self.kind]

    @property
    def choice(self):
        return f"{ {'papers': 'paper', 'studies': 'study', 'data': 'data'}[self.kind] }={self.name}"

    @property
    def command(self):
        words = " ".join(f"'{word}'" if set(word) & set("[]{} ") else word for word in self.words)
        return f"python scripts/{self.script}.py {words}"

    def shown(self, figures):
        """The figures of the page, by their names, in order."""
        first = [name for name in self.first if name in figures]
        return first or figures[:3]


def names(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml") if path.stem != "custom")


def entries(quick, day=None):
    """The entries of the gallery, in full or in their quick form: all of them, or on a day N another quarter."""
    found = [*papers(quick), *studies(quick), *data(quick)]
    return found if day is None else found[-day % 4 :: 4]


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
STUDIES = {  # the quick form of a study: fewer networks of fewer kinds, trained for less long
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


LONGER = {"long_lag": ("study.lengths=[50,100]",)}  # studies that take minutes; docs/studies.md has the rest


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
OWN = {  # data sets that read a file of the user's: its name, its content, further words
    "csv": ("levels.csv", LEVELS, ("data.column=level",)),
    "labels": ("labels.csv", LABELS, ()),
    "pairs": ("pairs.txt", PAIRS, ()),
}
LONG = {  # data sets whose default run takes minutes; docs/data.md has what those come to
    "addition": ("trainer.steps=2500",),
    "dates": ("trainer.steps=1000",),
    "g2p": ("data.words=5000", "trainer.steps=600"),
    "language": ("trainer.steps=1000",),
    "text": ("trainer.steps=1000",),
}
QUICK = ("model.cell.size=12", "trainer.steps=20", "trainer.report_every=20")
SMALL = {  # what makes the data themselves smaller in the quick form
    "addition": ("data.examples=1000", "data.validation=100"),
    "g2p": ("data.words=500", "data.validation=100", "data.test=100"),
    "dates": ("data.examples=500", "data.validation=100", "data.test=100"),
    "language": ("model.layers=1", "model.dropout=null", "trainer.batch_size=16"),
    "tagging": ("model.embedding=8",),
    "vowels": ("model.layers=1", "model.dropout=null"),
}


def data(quick):
    for name in names("data"):
        path, content, more = OWN.get(name, (None, None, ()))
        short = (*SMALL.get(name, ()), *QUICK) if quick else LONG.get(name, ())
        given = (f"data={name}", *(() if path is None else (f"data.path={path}",)), *more)
        first = ("generation", "prediction", "learning_curves")
        files = {} if path is None else {path: content}
        words = (*given, *short, WIDTH)
        yield Entry("data", name, words, f"data/{name}.py", cost=20, first=first, files=files, brief=quick)
