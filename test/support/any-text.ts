import fc from 'fast-check';

/** Any characters at all, half ones and invisible ones too, the dangerous ones often. (`fc.string` of `binary` takes a second to set up.) */
export const anyText = fc
  .array(
    fc.oneof(
      fc.nat(0x10ffff),
      fc.nat(0xff),
      fc.constantFrom(0x1b, 0x9b, 0x0a, 0x202e, 0x2066, 0x200b, 0xd800, 0xfeff, 0x27, 0x60),
    ),
    { maxLength: 400 },
  )
  .map((codes) => String.fromCodePoint(...codes));
