/** What a browser says of its language when nobody has chosen one, such as WebKit where `LANG` is `C`,
 * may be no language at all: the chart library, which asks for numbers in it as soon as it is loaded,
 * would take the page with it. */
export function mendLanguage(browser: { readonly language: string }): void {
  try {
    new Intl.NumberFormat(browser.language);
  } catch {
    Object.defineProperty(browser, "language", { value: "en", configurable: true });
  }
}

mendLanguage(navigator);
