package bot

import (
	"context"
	"maps"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
)

// Model is one of the models that a bot may ask for a reply.
type Model struct {
	LLM    llm.LLM
	Block  string // path of its block in the tenant's configuration, such as "llm.fallback.0"
	Plugin string // name of its plugin; the version may follow after a space
}

// opener is a model whose instance is opened when it is first needed.
type opener interface {
	// OpenLLM returns the instance, and opens it if it is not open. The caller does not close it.
	OpenLLM(ctx context.Context) (llm.LLM, error)
}

// versioned is an instance whose Plugin returns "NAME VERSION" of its plugin.
type versioned interface{ Plugin() string }

// opened returns the instance of the model. It opens an instance that is not open.
func opened(ctx context.Context, m llm.LLM) (llm.LLM, error) {
	if o, ok := m.(opener); ok {
		return o.OpenLLM(ctx)
	}
	return m, nil
}

// maxRetries is how often a turn asks a model again whose upstream failed, before it asks the next
// model. maxRetryPause bounds the pause before each of these calls. If the upstream asks for a longer
// pause, the turn asks the next model at once.
const (
	maxRetries    = 2
	maxRetryPause = 2 * time.Second
	minRetryPause = 200 * time.Millisecond // shortest first pause if the upstream asks for none; the shortest second pause is twice as long
)

// ask asks the models of the bot in their order until one replies, and returns the Finish of the reply.
// If none replies, ask returns the error of the last model that it asked, and possibly a Finish with
// the usage of that call. earlier has the messages before the new ones, before adapt changes them for
// a model.
func (t *turn) ask(ctx context.Context, earlier []chat.Message) (*llm.Finish, error) {
	t.replaced = t.record.Replaced
	for i := range t.bot.models {
		finish, err := t.askModel(ctx, i, earlier)
		if err == nil || i == len(t.bot.models)-1 || !t.fallsBack(ctx, err) {
			return finish, err
		}
		t.passOver(err, finish)
	}
	return nil, fault.New(fault.Internal, "the bot has no model") // unreachable, because every bot has a model
}

// askModel asks the model with the index i. It repeats the call if the plugin's process ended
// (retriesModel), and with fewer earlier messages if the provider says that they are too long
// (asksShorter). If there is a next model, it also repeats the call after a failure of the upstream
// (waitsForRetry).
func (t *turn) askModel(ctx context.Context, i int, earlier []chat.Message) (*llm.Finish, error) {
	t.useModel(i)
	model, err := t.openModel(ctx)
	if err != nil {
		return nil, err
	}
	t.llm, t.traits = model, sdk.LLMTraits{}
	if d, ok := model.(sdk.LLMDescriber); ok {
		t.traits = d.LLMTraits(ctx)
	}
	b := t.bot
	if _, late := b.models[i].LLM.(opener); late || i > 0 {
		if v, ok := model.(versioned); ok {
			t.record.Plugins = withPlugin(b.Plugins, v.Plugin())
		}
		if err := t.checkLate(); err != nil {
			return nil, err
		}
	}
	prompt := t.prompt.Text()
	shown, err := t.fit(prompt, earlier)
	if err != nil {
		return nil, err
	}
	req := &llm.Request{
		Call: t.call(), Messages: compose(prompt, shown, t.messages), MaxOutputTokens: b.Limits.ReplyTokens,
		Tools: t.req.Tools, ToolChoice: t.req.ToolChoice,
	}
	req.Stable = t.stable(prompt, req.Messages)
	for {
		t.asked++
		finish, err := t.callModelWatched(ctx, req)
		if err == nil {
			t.learnRatio(finish.Usage.InputTokens)
		}
		if t.retriesModel(ctx, finish, err) {
			continue
		}
		if t.asksShorter(err, shown) {
			if shown, err = t.fit(prompt, earlier); err != nil {
				return finish, err
			}
			t.dropReply(finish)
			req.Messages = compose(prompt, shown, t.messages)
			req.Stable = t.stable(prompt, req.Messages)
			continue
		}
		if i == len(b.models)-1 || !t.waitsForRetry(ctx, err) {
			return finish, err
		}
		t.dropReply(finish)
	}
}

// useModel makes the model with the index i the turn's model, and resets what the turn counts for each
// model.
func (t *turn) useModel(i int) {
	t.model, t.asked, t.askedAgain, t.retries = i, 0, 0, 0
	t.maxInput, t.contextCuts = 0, 0
	if i == 0 {
		return
	}
	t.began = time.Now()
	m := t.bot.models[i]
	t.record.LLMBlock = m.Block
	t.record.Plugins = withPlugin(t.bot.Plugins, m.Plugin)
}

// withPlugin returns a copy of the plugins of a bot with another llm plugin.
func withPlugin(plugins map[string]string, name string) map[string]string {
	out := make(map[string]string, len(plugins))
	maps.Copy(out, plugins)
	out[llm.Kind] = name
	return out
}

// openModel returns the instance of the turn's model. If the instance is not open, opening it may take
// Limits.FirstTokenTimeout; 0 means no limit.
func (t *turn) openModel(ctx context.Context) (llm.LLM, error) {
	m := t.bot.models[t.model].LLM
	if _, ok := m.(opener); !ok {
		return m, nil
	}
	if d := t.bot.Limits.FirstTokenTimeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, fault.New(fault.Deadline, "the plugin was not ready within %s", d).By(fault.PartyPlugin))
		defer cancel()
	}
	model, err := opened(ctx, m)
	if err != nil {
		return nil, preferCause(ctx, err)
	}
	return model, nil
}

// checkLate returns an error if the turn's model cannot take the new messages or the tools. It checks
// fallbacks, and a first model that was not open before the turn began. checkSupport checks a first
// model that is open.
func (t *turn) checkLate() error {
	if len(t.req.Tools) > 0 && !hasFeature(t.llm, feature.Tools) {
		return lacks(feature.Tools, "the provider's plugin takes no tools").At("tools")
	}
	return llm.CheckRequest(&llm.Request{Messages: t.messages, Tools: t.req.Tools, ToolChoice: t.req.ToolChoice}, t.traits)
}

// fallsBack reports whether the turn asks the next model after err. It returns false if a piece of the
// reply has come, or if ctx has ended. Otherwise it returns true if the messages are too long for this
// model, or if this model is a fallback that lacks support for the request. After all other errors it
// returns false only if the caller's request is at fault, or if the provider filtered the content.
func (t *turn) fallsBack(ctx context.Context, err error) bool {
	e := fault.Of(err)
	if ctx.Err() != nil || t.receiving {
		return false
	}
	if t.model > 0 && e.Class == fault.Unsupported || e.Class == fault.ContextTooLong {
		return true // another model may take it
	}
	return e.Party != fault.PartyCaller && e.Class != fault.ContentFiltered
}

// passOver records why the turn's model did not reply, and discards the part of the reply that has
// arrived. It logs the error once a minute for each model and class of errors, because each turn of a
// tenant may pass over the same model. finish may be nil.
func (t *turn) passOver(err error, finish *llm.Finish) {
	e, m := fault.Of(err), t.bot.models[t.model]
	if e.Class == fault.Unauthenticated && t.bot.Unauthenticated != nil {
		t.bot.Unauthenticated()
	}
	began := t.began
	if began.IsZero() {
		began = t.lastLap
	}
	t.record.PassedOver = append(t.record.PassedOver, passedOver{
		Block: m.Block, Plugin: t.record.Plugins[llm.Kind], Class: e.Class.String(), Party: e.Party.String(), Path: cleanText(e.Path.String(), maxRecordPathBytes),
		UpstreamStatus: e.UpstreamStatus, Asked: t.asked, TookMS: millis(time.Since(began)), Detail: cleanText(e.Error(), maxPassedOverDetail),
		class: e.Class,
	})
	t.dropReply(finish)
	if leftOut, due := t.bot.passedOverLog.Due(m.Block + "\n" + e.Class.String()); due {
		t.bot.Log.Info("a model did not reply, and the next one is asked", "tenant", t.bot.Tenant, "conversation", t.req.ConversationID,
			"block", m.Block, "plugin", t.record.Plugins[llm.Kind], "error", e, "left_out", leftOut)
	}
}

// dropReply discards the part of the reply that has arrived, and releases its share of HeldBytes. Its
// usage still counts. finish may be nil.
func (t *turn) dropReply(finish *llm.Finish) {
	usage := t.usage
	if finish != nil {
		usage = finish.Usage
	}
	t.lostUsage = t.lostUsage.Add(usage)
	t.usage, t.cleaner, t.reply = chat.Usage{}, replyCleaner{}, llm.Joiner{}
	t.budget = newReplyBudget(t.bot.Limits.ReplyTokens, t.bot.Limits.ReplyBytes)
	t.replyShare.Release()
	t.replyShare, t.replyBytes = nil, 0
	t.record.FirstTokenMS, t.firstToken, t.shown, t.receiving, t.callIDs = 0, 0, false, false, nil
}

// waitsForRetry waits for the pause before the turn's model is asked again, and reports whether the turn
// asks it. It returns false without a pause if another call cannot help, if the turn has asked the model
// again maxRetries times, or if the pause is longer than maxRetryPause or than the rest of the turn. It
// returns false too if ctx ends during the pause.
func (t *turn) waitsForRetry(ctx context.Context, err error) bool {
	e := fault.Of(err)
	if e == nil || !e.Retryable || t.receiving || t.retries == maxRetries {
		return false
	}
	pause := e.RetryAfter
	switch e.Class {
	case fault.ProviderFailed, fault.Conflict:
		if pause == 0 {
			least := minRetryPause << t.retries
			pause = jitter(least, least*3/2)
		}
	case fault.RateLimited: // without a RetryAfter, a rate limit is taken to last longer than maxRetryPause
	default:
		return false
	}
	if pause == 0 || pause > maxRetryPause || e.Party == fault.PartyCaller {
		return false
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= pause {
		return false
	}
	t.retries++
	return sleep(ctx, pause) == nil
}
