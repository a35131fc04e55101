package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk"
)

// promptsKey is the key of the block with the prompts.
const promptsKey = "prompts"

// prompts compiles the tenant's prompts and sets Effective.Prompts. It adds a problem for each mistake.
// It replaces the constant variables in one pass: a {{name}} inside the text of a variable stays as it
// is. It checks the greatest possible size of a prompt before the prompt is allocated, so no turn gets
// a prompt that is too large.
func (a *tenantMerge) prompts() {
	block, _ := a.tree[promptsKey].(map[string]any)
	c := promptCompiler{merge: a, metadata: textsOf(block, "metadata")}
	c.variables, _ = block["variables"].(map[string]any)
	set := &a.effective.Prompts
	set.Metadata = c.promptMetadata()
	if name, ok := block["timezone"].(string); ok {
		zone, known := prompt.Zone(name)
		if !known {
			a.addProblem(Path{promptsKey, "timezone"}, fmt.Sprintf("is %q, which is no time zone", brief(name)), "a name of the IANA database, such as Europe/Berlin")
		}
		if name != "UTC" {
			set.Zone = zone
		}
	}
	system, _ := block["system"].(string)
	set.System = c.compile(Path{promptsKey, "system"}, system)
	named := textsOf(block, "named")
	if len(named) > bounds.NamedPrompts {
		a.addProblem(Path{promptsKey, "named"}, fmt.Sprintf("has %d prompts", len(named)), fmt.Sprintf("at most %d", bounds.NamedPrompts))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if set.Named == nil {
			set.Named = make(map[string]prompt.Prompt, len(named))
		}
		set.Named[name] = c.compile(Path{promptsKey, "named", name}, named[name])
	}
	if c.size > bounds.PromptsBytes && !c.tooLarge {
		a.addProblem(Path{promptsKey}, fmt.Sprintf("has prompts of %d bytes together, with their variables", c.size), fmt.Sprintf("at most %d", bounds.PromptsBytes))
	}
}

// textsOf returns the map at the key of the block, with only those of its values that are texts. The
// check by the schema reports the other values.
func textsOf(block map[string]any, key string) map[string]string {
	values, _ := block[key].(map[string]any)
	out := make(map[string]string, len(values))
	for name, value := range values {
		if text, ok := value.(string); ok {
			out[name] = text
		}
	}
	return out
}

// promptCompiler compiles the prompts of a tenant and adds problems to the merge.
type promptCompiler struct {
	merge     *tenantMerge
	variables map[string]any    // prompts.variables; the check by the schema reports values that are no texts
	metadata  map[string]string // prompts.metadata: maps a key to its default
	size      int               // greatest size of all compiled prompts together, in bytes
	tooLarge  bool              // one prompt exceeds sdk.MaxSystemBytes; then no problem about the size of all is added
	names     []string          // sorted names of the constant variables; computed for the first undefined variable
}

// promptMetadata returns prompts.metadata, or nil if prompts.metadata is empty. It adds a problem if
// there are too many keys, and for each text that is too large.
func (c *promptCompiler) promptMetadata() map[string]string {
	path := Path{promptsKey, "metadata"}
	if len(c.metadata) == 0 {
		return nil
	}
	if len(c.metadata) > bounds.PromptMetadataKeys {
		c.merge.addProblem(path, fmt.Sprintf("has %d keys", len(c.metadata)), fmt.Sprintf("at most %d", bounds.PromptMetadataKeys))
	}
	for key, text := range c.metadata {
		if len(text) > bounds.PromptMetadataBytes {
			c.merge.addProblem(path.with(key), fmt.Sprintf("has %d bytes", len(text)), fmt.Sprintf("at most %d", bounds.PromptMetadataBytes))
		}
	}
	return c.metadata
}

// compile returns the prompt at the path with the constant variables replaced. It adds a problem for
// each mistake in the prompt.
func (c *promptCompiler) compile(path Path, text string) prompt.Prompt {
	a := c.merge
	parsed, wrong := prompt.Parse(text)
	for _, excerpt := range wrong {
		a.addProblem(path, fmt.Sprintf("has %q, which is no variable", excerpt),
			"{{name}} with a name of letters, digits and _, or {{{{ for a literal {{")
	}
	undefined := 0
	for _, name := range parsed.Variables() {
		if undefined < maxProblems && !c.defined(name) {
			undefined++
			c.undefinedVariable(path, name)
		}
	}
	compiled, size := parsed.Compile(func(name string) (string, bool) {
		if strings.Contains(name, ".") {
			return "", false
		}
		value, ok := c.variables[name].(string)
		return value, ok
	})
	if size > sdk.MaxSystemBytes {
		what := "with its variables"
		if variesInSize(parsed) {
			what = "with the longest values of its variables"
		}
		c.tooLarge = true
		a.addProblem(path, fmt.Sprintf("has %d bytes %s", size, what), fmt.Sprintf("at most %d", sdk.MaxSystemBytes))
	}
	c.size += size
	return compiled
}

// variesInSize reports whether the prompt has a variable that gets its value in a turn.
func variesInSize(p prompt.Parsed) bool {
	return slices.ContainsFunc(p.Variables(), func(name string) bool { return strings.Contains(name, ".") })
}

// defined reports whether a prompt may use the variable. In a partial merge every constant variable and
// every key of metadata counts as defined, because a layer on top of the merge may define it.
func (c *promptCompiler) defined(name string) bool {
	if key, ok := prompt.MetadataKey(name); ok {
		_, known := c.metadata[key]
		return known || c.merge.partial
	}
	if strings.Contains(name, ".") {
		return prompt.IsTurnVariable(name)
	}
	_, given := c.variables[name]
	return given || c.merge.partial
}

// undefinedVariable adds the problem that a prompt uses a variable that is not defined.
func (c *promptCompiler) undefinedVariable(path Path, name string) {
	uses := fmt.Sprintf("uses {{%s}}, ", name)
	if key, ok := prompt.MetadataKey(name); ok {
		c.merge.addProblem(path, uses+"which prompts.metadata does not list", fmt.Sprintf("%s in prompts.metadata, with the text for requests without it", key))
		return
	}
	if strings.Contains(name, ".") {
		message, expected := unknown(uses+"which is no variable of a turn", name, prompt.TurnVariables())
		if !strings.HasPrefix(name, "turn.") {
			message, expected = uses+"which is no variable", "a name without a dot, or one that begins with turn. or "+prompt.MetadataPrefix
		}
		c.merge.addProblem(path, message, expected)
		return
	}
	uses += "which no variable defines"
	if prompt.IsTurnVariable("turn." + name) {
		c.merge.addProblem(path, uses+"; did you mean "+strconv.Quote("turn."+name)+"?", "")
		return
	}
	if c.names == nil {
		c.names = slices.Sorted(maps.Keys(c.variables))
	}
	message, expected := unknown(uses, name, c.names)
	if len(c.names) == 0 {
		expected = fmt.Sprintf("%s in prompts.variables", name)
	}
	c.merge.addProblem(path, message, expected)
}
