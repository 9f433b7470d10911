import { z } from 'zod';
import { type SettingName, settingsSchema } from './config.schema.js';

/** One setting as the documentation shows it. */
export interface SettingDescription {
  readonly name: SettingName;
  readonly description: string;
  /** As it would be written in the environment; undefined where there is none. */
  readonly defaultValue: string | undefined;
  /** Which values it takes, in words; undefined where any text will do. */
  readonly values: string | undefined;
  /** Whether the value must be shown as `[redacted]`. */
  readonly isSecret: boolean;
  /** Whether a change holds at once, without a restart. */
  readonly isHot: boolean;
}

/** Every setting, in the order of the schema. */
export function describeSettings(): SettingDescription[] {
  return Object.entries(settingsSchema.shape).map(([name, schema]) => describe(name as SettingName, schema));
}

function describe(name: SettingName, setting: z.ZodType): SettingDescription {
  const layers = layersOf(setting);
  const meta = Object.assign({}, ...layers.map((layer) => layer.meta() ?? {}).reverse()) as {
    description?: string;
    values?: string;
    secret?: boolean;
    hot?: boolean;
  };
  const withDefault = layers.find((layer) => layer instanceof z.ZodDefault);
  return {
    name,
    description: meta.description ?? '',
    defaultValue: withDefault && String(withDefault.def.defaultValue),
    values: meta.values,
    isSecret: meta.secret ?? false,
    isHot: meta.hot ?? false,
  };
}

/** A schema and those that it wraps, outermost first: each of them may carry a part of the description. */
function layersOf(schema: z.ZodType): z.ZodType[] {
  const inner =
    schema instanceof z.ZodDefault || schema instanceof z.ZodOptional
      ? schema.unwrap()
      : schema instanceof z.ZodPipe
        ? schema.in
        : undefined;
  return inner ? [schema, ...layersOf(inner as z.ZodType)] : [schema];
}
