/** One entry of the registry of field codes: what `errors[].code` of a problem may be. */
export interface FieldCode {
  readonly code: string;
  readonly meaning: string;
}

const registry = new Map<string, string>();

/**
 * Declares codes that a module gives to single problems of a request, each with what it means, and enters them into the
 * registry that the documentation reads. Several modules may declare one code when it means the same.
 */
export function defineFieldCodes(meanings: Readonly<Record<string, string>>): void {
  for (const [code, meaning] of Object.entries(meanings)) {
    if ((registry.get(code) ?? meaning) !== meaning)
      throw new Error(`The field code ${code} has two meanings.`);
    registry.set(code, meaning);
  }
}

/** Every field code that the loaded modules declare, sorted by code. */
export function registeredFieldCodes(): FieldCode[] {
  return [...registry]
    .map(([code, meaning]) => ({ code, meaning }))
    .sort((a, b) => a.code.localeCompare(b.code));
}
