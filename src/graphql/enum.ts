import 'reflect-metadata'

/** Returns an object that maps each name to itself, as type-graphql wants its enums. */
export function enumOf<const N extends string>(names: Iterable<N>): { readonly [K in N]: K } {
  return Object.fromEntries([...names].map(name => [name, name])) as { [K in N]: K }
}
