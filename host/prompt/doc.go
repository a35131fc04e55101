// Package prompt has the prompts of a tenant and the variables that stand in them.
//
// A prompt is a text with variables in double braces. It has no logic: a variable stands for a
// text, and nothing else is replaced. The text of a variable is never read again, so braces in it
// stay as they are.
//
//	{{name}}          a text of the tenant's configuration; replaced once, when the tenant is read
//	{{turn.NAME}}     what the host knows of the turn, such as {{turn.date}}
//	{{metadata.KEY}}  a key of the request's metadata that the tenant's configuration names
//	{{{{              the two braces themselves
//
// Package config builds a [Set] with [Parse] and [Parsed.Compile]. Package bot asks it for the
// prompt of each turn with [Set.Choose].
//
// The files:
//
//   - parse.go: splits a text into texts and variables.
//   - prompt.go: Prompt, whose constant variables were replaced; its greatest size.
//   - variables.go: the variables of a turn, their greatest sizes, and which of them change.
//   - set.go: Set, all prompts of a tenant; which of them a turn gets, with which values.
//   - zone.go: time zones by their names.
package prompt
