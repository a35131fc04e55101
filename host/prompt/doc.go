// Package prompt parses the prompts of tenants and replaces the variables in them.
//
// A prompt is a text with variables in double braces. The package replaces each variable by a text,
// in one pass. It does not parse that text, so braces in it stay as they are. A prompt has no
// conditions and no loops.
//
//	{{name}}          a text of prompts.variables; replaced when the host reads the configuration
//	{{turn.NAME}}     a value that the host knows in each turn, such as {{turn.date}}
//	{{metadata.KEY}}  the value of a key of the request's metadata that prompts.metadata lists
//	{{{{              the two braces themselves
//
// Package config builds a [Set] with [Parse] and [Parsed.Compile]. Package bot asks it for the
// prompt of each turn with [Set.Choose].
//
// The files:
//
//   - parse.go: splits a text into texts and variables.
//   - prompt.go: Prompt, in which the constant variables are replaced; its greatest size.
//   - variables.go: the variables of a turn, their greatest sizes, and which of them probably differ
//     in the next turn.
//   - set.go: Set, all prompts of a tenant; which prompt and which values a turn gets.
//   - zone.go: finds a time zone by its name, in the database zoneinfo.zip.
package prompt
