/** Reading and writing the small XML documents of conference control, by local names. */

interface Policies {
  createPolicy(
    name: string,
    rules: { createHTML(text: string): string },
  ): { createHTML(text: string): unknown };
}

/** The portal's content security policy lets nothing make markup of text but this name, and only to parse XML. */
const POLICY = (globalThis as { trustedTypes?: Policies }).trustedTypes?.createPolicy("vestibule-xml", {
  createHTML: (text) => text,
});

/** The root element, or null if the text is no well-formed XML. */
export function parseXml(text: string): Element | null {
  const trusted = (POLICY?.createHTML(text) ?? text) as string;
  const document = new DOMParser().parseFromString(trusted, "application/xml");
  return document.getElementsByTagName("parsererror").length > 0 ? null : document.documentElement;
}

/** Child elements with that local name, in order. */
export function children(parent: Element | null | undefined, name: string): Element[] {
  return parent ? Array.from(parent.children).filter((child) => child.localName === name) : [];
}

/** The first child element with that local name, or null. */
export function child(parent: Element | null | undefined, name: string): Element | null {
  return children(parent, name)[0] ?? null;
}

/** Trimmed text of the first child with that local name; "" if there is none. */
export function childText(parent: Element | null | undefined, name: string): string {
  return child(parent, name)?.textContent?.trim() ?? "";
}

/** The text with XML's own characters escaped, fit for content and for quoted attributes. */
export function escapeXml(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&apos;",
  };
  return text.replace(/[&<>"']/g, (character) => names[character] ?? character);
}
