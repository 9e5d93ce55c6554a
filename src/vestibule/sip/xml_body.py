"""XML bodies, read with suspicion (ATTACKS 24): no document type or entity, nothing fetched, a limit to size and depth.

Names of elements are compared without their namespace, as Skype-for-Business-era clients do.
"""

from typing import Any

from lxml import etree

_DEEPEST = 32


class BadBody(ValueError):
    """The body is not what its content type says; the message says why and may go on the wire."""


def read_xml(body: bytes, *, largest: int) -> etree._Element:
    """The root of a body of at most `largest` octets. Raises BadBody."""
    if len(body) > largest:
        raise BadBody("body too large")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise BadBody("body is not well-formed XML") from error
    document: Any = root.getroottree().docinfo
    if document.doctype:
        raise BadBody("a document type is not accepted")
    if _depth(root) > _DEEPEST:
        raise BadBody("body nested too deeply")
    return root


def name_of(element: etree._Element) -> str:
    """Its name without the namespace."""
    return etree.QName(element).localname


def children(parent: etree._Element, name: str | None = None) -> list[etree._Element]:
    """Elements right below another, all or those of a name."""
    found = [child for child in parent if isinstance(child.tag, str)]
    return [child for child in found if name in (None, name_of(child))]


def anywhere(parent: etree._Element, name: str) -> list[etree._Element]:
    """Elements of a name, at any depth; the parent itself too."""
    return [e for e in parent.iter() if isinstance(e.tag, str) and name_of(e) == name]


def text_of(element: etree._Element) -> str:
    """What it says, without blanks at the ends."""
    return (element.text or "").strip()


def _depth(root: etree._Element) -> int:
    level = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        level += 1 if event == "start" else -1
        deepest = max(deepest, level)
    return deepest
