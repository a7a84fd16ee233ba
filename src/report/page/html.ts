/** Markup that may stand as it is: only `html` makes it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | readonly Part[];

/** Markup of a template; everything that is put in and is no markup already is escaped, also inside of quoted attributes. */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const pieces = template.map((piece, index) => {
    const part = parts[index];
    return part === undefined ? piece : `${piece}${textOf(part)}`;
  });
  return new Markup(pieces.join(''));
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escapeHtml(String(part));
}

/** Also without what would turn text around, end a line of a script, or be no character of HTML at all. */
export function escapeHtml(text: string): string {
  return text
    .replace(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffe\uffff]/g,
      '\ufffd',
    )
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
