"""The figures of an image: what they are called, how to read them, what they show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Caption:
    """A heading, and how to read what is below it.

    Parameters
    ----------
    title, text : str
    alt : str
        What a figure shows, for whoever does not see it.
    """

    title: str
    text: str
    alt: str = ""


_OF_BRAIN = "Nine cuts through the brain, coronal, axial and sagittal"
_DOUBT = "Where labels may be wrong"
_DOUBT_OF_BRAIN = (
    "Colour shows where a label has a probability below 0.95. Thin lines along the borders of tissues are usual; look "
    "twice at wide patches. Networks that have learnt from synthetic images can be sure and wrong: no colour is no "
    "proof. With the pointer on a cut the scan shows alone."
)
_DOUBT_ALT = (
    "The same cuts, coloured from purple to yellow where the label of a voxel is less and less probable; the legend "
    "tells the probabilities."
)

CAPTIONS: Mapping[str, Caption] = {
    "figure_tissues_dseg": Caption(
        "Tissues on the scan",
        "seg-CerebellumTissue of an infant. Check that white matter reaches into the folia, that grey matter covers it "
        "without gaps, and that fluid lies outside and between the folia. The brainstem, as far as it is labelled, is "
        "no part of the volumes. With the pointer on a cut its labels go away.",
        "Nine large cuts through the cerebellum, coronal, axial and sagittal, on which cerebrospinal fluid, grey and "
        "white matter are outlined in colours; the legend names them.",
    ),
    "figure_tissues_confidence": Caption(
        "Where labels may be wrong",
        "Colour shows where a second network, which has seen the labels and their probabilities alone, gives a label "
        "less than 0.95 to be right. Thin lines along the borders of tissues are usual; look twice at wide patches. It "
        "can be sure and wrong: no colour is no proof. With the pointer on a cut the scan shows alone.",
        "The same cuts, coloured from purple to yellow where the label of a voxel is less and less probably right; the "
        "legend tells the probabilities.",
    ),
    "figure_cerebrum_dseg": Caption(
        "Tissues on the scan",
        "seg-BrainTissue of an infant. Check that grey matter follows the folds without gaps, that white matter goes "
        "into the gyri, and that nothing of cerebellum and brainstem is labelled. With the pointer on a cut its labels "
        "go away.",
        f"{_OF_BRAIN}, on which cerebrospinal fluid, grey and white matter are outlined in colours; the legend names "
        "them.",
    ),
    "figure_cerebrum_confidence": Caption(_DOUBT, _DOUBT_OF_BRAIN, _DOUBT_ALT),
    "figure_brain_dseg": Caption(
        "Classes on the scan",
        "seg-DrawEM9 of a neonate. Check that grey matter follows the folds without gaps, and that cerebellum, "
        "brainstem, ventricles, hippocampi and deep grey matter are where they belong. With the pointer on a cut its "
        "labels go away.",
        f"{_OF_BRAIN}, on which nine classes are outlined in colours; the legend names them.",
    ),
    "figure_brain_confidence": Caption(_DOUBT, _DOUBT_OF_BRAIN, _DOUBT_ALT),
    "figure_place": Caption(
        "Where the cerebellum was found",
        "Check that the outline holds the whole cerebellum and ends at the cerebrum: what is outside has no label. "
        "With the pointer on a cut the outline goes away.",
        "17 cuts through the whole head, axial, coronal and sagittal, with the outline of cerebellum and brainstem.",
    ),
    "figure_shown": Caption(
        "Where the brain was found",
        "Check that the outline holds the whole brain (seg-BrainTissue: the cerebrum) and leaves out skull and eyes: "
        "what is outside has no label. With the pointer on a cut the outline goes away.",
        "17 cuts through the whole head, axial, coronal and sagittal, with the outline of what networks were shown.",
    ),
    "figure_pair": Caption(
        "T2w image on the T1w image",
        "Networks saw both images. Check that nothing moves when, with the pointer on a cut, the T1w image shows.",
        f"{_OF_BRAIN}, in T2w contrast.",
    ),
    "figure_dseg": Caption(
        "Lobules on the scan",
        "Check that the outlines follow the surface of the cerebellum, without cerebrum, venous sinus or "
        "brainstem, and that borders between lobules run in fissures. With the pointer on a cut its labels "
        "go away; resting there, the pointer reads the region's name.",
        "27 cuts through the scan around the cerebellum, coronal, axial and sagittal, on which every lobule is "
        "outlined in a colour of its own; the legend names them.",
    ),
    "figure_carved": Caption(
        "Lobules without fluid, at 0.5 mm",
        "seg-DeepCERES on the super-resolved T1w. Check that fissures and the fluid between folia are left free, that "
        "white matter reaches into the folia and ends where the peduncles leave the cerebellum. With the pointer on a "
        "cut its labels go away.",
        "Ten cuts through the super-resolved cerebellum, coronal, axial and sagittal, on which lobules without fluid "
        "and white matter are outlined in colours; the legend names them.",
    ),
    "figure_surface": Caption(
        "Surface of the lobules",
        "seg-DeepCERES in the template's space, from six sides; the super-resolved T1w shades the colours, so that "
        "fissures are dark. Check that lobules are bands that run along the folia, left like right, without patches of "
        "one in another, and that nothing sticks out or is cut off. Where cortex is thin, white matter shows.",
        "The surface of the cerebellum seen from behind, from the front, from above, from below, from the left and "
        "from the right; every lobule has a colour of its own, which the legend names.",
    ),
    "figure_confidence": Caption(
        "Where labels are doubtful",
        "Colour shows where seg-Lobules, or the background around it, has a probability below 0.95. Thin lines along "
        "fissures and along the surface are usual, and so are wide ones in the vermis, whose halves and lobules lie "
        "close together. Look twice at wide patches elsewhere. A network can be sure and wrong: no colour is no proof. "
        "With the pointer on a cut the scan shows alone.",
        "Seven cuts through the super-resolved cerebellum, coloured from purple to yellow where the label of a voxel "
        "is less and less probable; the legend tells the probabilities.",
    ),
    "figure_atlas": Caption(
        "What the library voted for",
        "The atlas of this subject: the labels that got most votes of the most similar cerebella of the library, each "
        "registered to the scan. The cascade of networks starts from it (from its mean with the network at 1 mm), and "
        "moves its borders; with the method atlas it is the result. Check that it lies on the cerebellum at all: where "
        "it does not, trust nothing. It need not follow every fissure. With the pointer on a cut its labels go away.",
        "Ten cuts through the super-resolved cerebellum, coronal, axial and sagittal, on which the lobules of the "
        "subject's atlas are outlined in colours; the legend names them.",
    ),
    "figure_t1w": Caption(
        "Registration to the template",
        "Check that the template's outlines meet the scan's brain and cerebellum. They need not agree to the "
        "millimetre: the registration is affine. With the pointer on a cut the template shows in its place.",
        "17 cuts through the whole head in the template's space, axial, coronal and sagittal, with outlines of the "
        "template's brain, white matter, and cerebellum with brainstem on the scan.",
    ),
    "figure_icv": Caption(
        "Intracranial cavity",
        "Check that the outline runs along the inner side of the skull: all of the brain and the fluid around it "
        "inside, marrow, eyes and neck outside, and closed below the cerebellum. All percentages hang on it. With the "
        "pointer on a cut the outline goes away.",
        "17 cuts through the whole head, axial, coronal and sagittal, with the outline of the intracranial cavity on "
        "the scan.",
    ),
    "figure_tissues": Caption(
        "Brightness of the tissues",
        "Inside the cavity (the brain, when skull-stripped), the means of three tissues, measured in the clean T1w, "
        "were mapped to 50, 150 and 250. Check that grey and white matter's marks meet the two large peaks, and that "
        "fluid's lies well below: in the small peak or the flat part at the left. At a mark the scale changes, and so "
        "the histogram may have a step.",
        "Histogram of the brightness of the normalised T1w, with marks at the means of cerebrospinal fluid, grey "
        "matter and white matter.",
    ),
    "figure_superres": Caption(
        "Super-resolved cerebellum",
        "The T1w at 0.5 mm (only resampled where the scan has 0.6 mm or less). seg-DeepCERES takes from this image "
        "where the fluid is; a cascade of networks finds lobules on it, too, other methods on the scan at 1 mm. Check "
        "that folia and fissures are those of "
        "the scan, only sharper: with the pointer on a cut, the scan itself (interpolated) shows in its place, and "
        "nothing may appear or move. Detail below the voxels of the scan is an estimate.",
        "Seven large cuts through the super-resolved cerebellum, coronal, axial and sagittal.",
    ),
    "figure_t2w": Caption(
        "T2w contrast",
        "Check that fluid is brightest and white matter darkest, and that folia stay in place when, with the pointer "
        "on a cut, the super-resolved T1w shows.",
        "Seven large cuts through the cerebellum in T2w contrast, coronal, axial and sagittal; a headline says whether "
        "it was acquired or made.",
    ),
    "figure_morph": Caption(
        "Volumes",
        "Of seg-Lobules. Asymmetry is 100 (R − L) / ((R + L) / 2). I-II, III and IV are too thin to be told apart "
        "at 1 mm: use their sum, I-IV.",
        "Bars of the lobules' volumes, left beside right, and points for their asymmetry; the tables below have the "
        "numbers.",
    ),
    "figure_flat": Caption(
        "Flat map",
        "The same volumes of seg-Lobules, coloured on SUITPy's flat map of the cerebellum (Diedrichsen and Zotow 2015, "
        "doi:10.1371/journal.pone.0133402), whose lobules are those of our library of cerebella. A picture of where "
        "volumes are, and no measurement: its areas and borders are the same for everyone. Colours are fixed, so that "
        "maps can be compared; what is beyond an end of a bar has the colour of the end. n/a: absent or unknown.",
        "Two flat maps of the cerebellum, coloured by each lobule's share of the cerebellum and by its asymmetry; the "
        "tables below have the numbers.",
    ),
}
"""The figures of an image in the order of the page, by their key in `cerebbids.bids.names.DERIVATIVES`."""
