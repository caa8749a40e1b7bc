"""Languages of multilingual checkpoints, as BCP 47 tags."""

from __future__ import annotations


def _tags(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# The largest Wikipedias, in the order of google-research/bert, multilingual.md.
WIKIPEDIAS = _tags(
    """
    af sq ar an hy ast az ba eu bar be bn bpy bs br bg my ca ceb ce zh-Hans zh-Hant cv hr cs da
    nl en et fi fr gl ka de el gu ht he hi hu is io id ga it ja jv kn kk ky ko la lv lt lmo nds
    lb mk mg ms ml mr min ne new nb nn oc fa pms pl pt pa ro ru sco sr sh scn sk sl azb es su sw
    sv tl tg ta tt te tr uk ur uz vi vo war cy fy pnb yo
    """
)
# Not in the first release, which lower-cased.
WIKIPEDIAS_CASED = (*WIKIPEDIAS, "th", "mn")
# As the card of paraphrase-multilingual-MiniLM-L12-v2 lists them, without regions.
PARAPHRASES = _tags(
    """
    ar bg ca cs da de el en es et fa fi fr gl gu he hi hr hu hy id it ja ka ko ku lt lv mk mn mr
    ms my nb nl pl pt ro ru sk sl sq sr sv th tr uk ur vi zh
    """
)
# Of table 6 of the paper on XLM-R, without what is there a second time in other letters.
COMMON_CRAWL = _tags(
    """
    af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he
    hi hr hu hy id is it ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl no om
    or pa pl ps pt ro ru sa sd si sk sl so sq sr su sv sw ta te th tl tr ug uk ur uz vi xh yi
    zh-Hans zh-Hant
    """
)
