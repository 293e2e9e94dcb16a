"""On the path of a job, puts the stand-ins in place there: its Python is not forked from one that has them."""

from tests.standin.quick import install

install(setattr)
