"""Papers that the description of a run names."""

from __future__ import annotations

from collections.abc import Iterable

from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.published import SYSTEMS

_OF_ALL = (
    """Gorgolewski K et al. Nipype: a flexible, lightweight and extensible neuroimaging data processing framework
  in Python. Frontiers in Neuroinformatics 5:13, 2011. doi:10.3389/fninf.2011.00013""",
    """Tustison NJ et al. N4ITK: improved N3 bias correction.
  IEEE Transactions on Medical Imaging 29:1310-1320, 2010. doi:10.1109/TMI.2010.2046908""",
)
_OF_ADULTS = (
    """Diedrichsen J, Zotow E. Surface-based display of volume-averaged cerebellar imaging data.
  PLoS ONE 10:e0133402, 2015. doi:10.1371/journal.pone.0133402""",
    """Fonov V et al. Unbiased nonlinear average age-appropriate brain templates from birth to adulthood.
  NeuroImage 47:S102, 2009. doi:10.1016/S1053-8119(09)70884-5""",
    """Manjón JV et al. Robust MRI brain tissue parameter estimation by multistage outlier rejection.
  Magnetic Resonance in Medicine 59:866-873, 2008. doi:10.1002/mrm.21521""",
    """Manjón JV et al. Deep learning based MRI contrast synthesis using full volume prediction.
  Biomedical Physics & Engineering Express 8:015013, 2021.""",
    """Manjón JV et al. Adaptive non-local means denoising of MR images with spatially varying noise levels.
  Journal of Magnetic Resonance Imaging 31:192-203, 2010. doi:10.1002/jmri.22003""",
)


def references(systems: Iterable[str]) -> str:
    """List the papers (markdown) that stand behind a run of some systems.

    Examples
    --------
    >>> [line.split(".")[0] for line in references(["infant"]).splitlines() if line.startswith("- ")]
    ['- Gorgolewski K et al', '- Sun Y et al', '- Tustison NJ et al']
    """
    found = {*_OF_ALL}
    for system in systems:
        found |= {SYSTEMS[system].reference, *(_OF_ADULTS if system == DEEPCERES.name else ())}
    return "\n### References\n\n" + "".join(f"- {paper}\n" for paper in sorted(found))
