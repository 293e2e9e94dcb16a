"""Errors that a user meets: one line that names the file (or subject), what is wrong and how to mend it."""

from __future__ import annotations

import re


class CerebbidsError(Exception):
    """Something a user can act on.

    Parameters
    ----------
    subject : str
        The file, folder or label that is at fault.
    reason : str
        What is wrong with it.
    mend : str
        What to do about it.

    Examples
    --------
    >>> print(CerebbidsError("sub-01_T1w.nii.gz", "is empty", "copy it again"))
    sub-01_T1w.nii.gz: is empty; copy it again
    """

    def __init__(self, subject: str, reason: str, mend: str) -> None:
        super().__init__(subject, reason, mend)
        self.subject, self.reason, self.mend = subject, reason, mend

    def __str__(self) -> str:
        return " ".join(f"{self.subject}: {self.reason}; {self.mend}".split())

    @classmethod
    def from_line(cls, line: str, mend: str = "see the log") -> CerebbidsError:
        """Read back the one line of an error that another process has met.

        Examples
        --------
        >>> CerebbidsError.from_line("a.nii.gz: is empty; copy it again").reason
        'is empty'
        >>> print(CerebbidsError.from_line("MemoryError"))
        cerebbids: MemoryError; see the log
        """
        subject, colon, rest = line.partition(": ")
        reason, semicolon, advice = rest.rpartition("; ")
        return cls(subject, reason, advice) if colon and semicolon else cls("cerebbids", line, mend)


_NO_MEMORY = ("out of memory", "unable to find an engine", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""What errors of CUDA's libraries say when a GPU is full, or, of cuDNN, when it has no room to work in."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of PyTorch, which need not have been loaded, says that a GPU's memory does not suffice.

    It goes by the wording: cuDNN says the same where it knows no way to compute something at all.

    Parameters
    ----------
    error : BaseException
        What ended a network's answer.

    Examples
    --------
    >>> is_out_of_memory(RuntimeError("GET was unable to find an engine to execute this computation"))
    True
    >>> is_out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
    False
    """
    told = any(phrase in str(error) for phrase in _NO_MEMORY)
    return type(error).__name__ == "OutOfMemoryError" or (isinstance(error, RuntimeError) and told)


def lacks_host_memory(error: BaseException) -> bool:
    """Whether an error, of PyTorch perhaps, says that the memory of the machine does not suffice.

    Examples
    --------
    >>> lacks_host_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory")), lacks_host_memory(OSError())
    (True, False)
    """
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)


class UsageError(CerebbidsError):
    """The command line asks for something that cannot be done (exit code 2)."""


class BadImage(CerebbidsError):
    """An image that cannot be processed; the others go on (exit code 1)."""


class WrongAge(CerebbidsError):
    """A person's age is known, and not one for the system that was to be taken.

    Parameters
    ----------
    subject, reason, mend : str
        As of others.
    system : str or None
        The one for that age; none where there is none.
    """

    def __init__(self, subject: str, reason: str, mend: str, system: str | None = None) -> None:
        super().__init__(subject, reason, mend)
        self.system = system


class Corrected(CerebbidsError):
    """Results that somebody has corrected by hand are in the way: nothing is known against the image."""


class RegistrationFailed(CerebbidsError):
    """No strategy brought the image plausibly onto the template."""


class ModelError(CerebbidsError):
    """A model bundle is missing, damaged or not what it claims to be (exit code 127)."""


class SegmentationFailed(CerebbidsError):
    """The network's answer cannot be a cerebellum, so no labels are written."""


class Unfinished(CerebbidsError):
    """The run ended before this image was done: nothing is known against the image or its earlier outputs."""


class Busy(Unfinished):
    """Another run is working on this image."""


class Defect(Unfinished):
    """A mistake of the program itself (exit code 70)."""


class Interrupted(Unfinished):
    """The user or the scheduler ended the run (exit code 130 or 143)."""


def read_error(text: str, mend: str = "see the log") -> CerebbidsError | None:
    r"""Find the last error of this module, with its class, in what a process has printed: in a traceback, say.

    Parameters
    ----------
    text : str
        What was printed.
    mend : str
        Advice for an error that comes without one.

    Examples
    --------
    >>> read_error("Traceback:\n\tcerebbids.errors.BadImage: a.nii: is empty; copy it again\n\n")
    BadImage('a.nii', 'is empty', 'copy it again')
    >>> read_error("ValueError: no such thing") is None
    True
    """
    found = re.findall(rf"^\s*{re.escape(__name__)}\.(\w+): (.+)$", text, flags=re.MULTILINE)
    if not found:
        return None
    name, line = found[-1]
    return globals()[name].from_line(line, mend)
