package bot

import "github.com/botyard/botyard/host/prompt"

// choosePrompt sets the turn's prompt and records it. It returns a fault.Invalid if the tenant
// does not have the prompt that the request names, or if the prompt cannot show the request's metadata.
func (t *turn) choosePrompt() error {
	b := t.bot
	chosen, err := b.Prompts.Choose(prompt.Request{
		Name: t.req.Prompt, Shared: b.Shared, Metadata: t.req.Metadata,
		Turn: prompt.Turn{Tenant: b.Tenant, User: t.req.UserID, Conversation: t.req.ConversationID, Time: b.Now()},
	})
	if err != nil {
		return err
	}
	t.prompt = chosen
	if chosen.Name != "" || chosen.Values != nil {
		t.record.Prompt = &recordedPrompt{Name: chosen.Name, Variables: chosen.Values}
	}
	return nil
}

// promptOf returns the text of the prompt that a turn with the record had. The turn must have run on
// the bot's revision. promptOf returns false if the bot has no prompt of the recorded name, or if the
// record lacks a value of a variable.
func (b *Bot) promptOf(r *record) (string, bool) {
	recorded := r.Prompt
	if recorded == nil {
		recorded = &recordedPrompt{}
	}
	return b.Prompts.Refill(recorded.Name, recorded.Variables)
}
