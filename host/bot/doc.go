// Package bot runs turns. A [Bot] is assembled for one tenant at one revision of its
// configuration. Between turns a Bot has no data of conversations in memory.
//
// # The steps of a turn
//
// [Bot.Chat] takes these steps, each in the function that the second column names. All steps
// run in the goroutine of Chat's caller.
//
//	check       turn.check            refuses a malformed request, and one that the settings or the
//	                                  plugins cannot serve, unless it repeats an earlier turn
//	admission   Admission.admit       refuses a turn beyond the tenant's limits, and waits
//	                                  for the conversation
//	lease       Parts.Hold            renews the turn's lease from here to the turn's end
//	begin       turn.begin            the storage stores the user's message, reserves the
//	                                  conversation and returns the tail, or replays a reply
//	recall      turn.recall           the memory chooses which messages the model sees
//	compose     compose               system prompt, recalled messages, new message
//	generate    turn.ask              the models are asked in their order until one replies
//	            turn.callModel        the model replies; each piece of the reply goes through
//	                                  turn.receive, turn.accept and turn.deliver to emit
//	commit      turn.commit           the turn joins the log, and the conversation is free
//
// A turn that has begun always ends. turn.commit ends it as succeeded, failed or interrupted.
// If a panic breaks the turn off, turn.abandon ends it. If the storage does not answer, the
// turn becomes an orphan, and the host ends it in the background.
//
// # The files
//
//	bot.go             Parts, from which New builds a Bot; the tenant, conversation and user
//	                   of each call of a plugin
//	chat.go            Bot.Chat: the order of check, admission, lease and run; the turn's timeout
//	turn.go            state of one turn; turn.run: the order of begin, generate and commit
//	request.go         Request, and which requests are refused; ids; the digest of an idempotency key
//	request_messages.go  the messages with which a turn begins, and their bounds
//	request_tools.go   the tools that the client runs, and their bounds
//	prompt.go          which prompt a turn has, and what stands in it for its variables
//	refusal.go         which requests are refused before anything begins; a repetition of an earlier
//	                   turn is not
//	plugin_support.go  requests that the plugins cannot do, refused before anything begins
//	admission.go       Admission: whether a turn runs, waits or is refused; turns per minute;
//	                   one turn at a time in a conversation
//	owner.go           which user sees which conversation
//	begin.go           the storage's Begin: busy conversations, repetition, replay
//	tail.go            the tail: which of the newest messages are shown, and which are left out
//	generate.go        recall, compose and the call of the model; where messages are left out
//	                   because of their bytes
//	context_budget.go  which earlier turns fit into the model's context; the error for new messages
//	                   that do not fit
//	token_estimate.go  estimates how many tokens messages have, without the model's tokenizer
//	tool_calls.go      calls of tools that the client runs: which results a turn begins with, and
//	                   calls and results that the model is not shown
//	adapt.go           replaces or leaves out the parts of earlier messages that the model cannot take
//	reply.go           Reply; how the pieces of a reply are delivered and put together
//	reply_budget.go    where a reply is cut because of its bytes
//	token_budget.go    where one reply is cut because of its tokens (reply_tokens); tokens
//	                   are not added up over turns
//	token_timeout.go   when a silent provider, or a wait in a plugin's queue, ends the call
//	models.go          asks the models in their order: after which failures a turn asks the same model
//	                   again, and after which it asks the next one
//	model_retry.go     whether a model is called again after its plugin's process ended
//	clean.go           replaces bytes that no storage can store in all text that plugins return
//	held_bytes.go      HeldBytes: bounds of the memory for tails and replies of all tenants
//	commit.go          the storage's Commit: in which state a turn ends, and what is sent if
//	                   the storage refuses a Commit
//	orphan.go          how the host ends orphan turns in the background
//	orphan_cap.go      OrphanCap: bounds of the number and size of orphan turns
//	retry.go           how often and for how long calls of the storage are repeated
//	storage_errors.go  which errors of the storage are repeated, and which mean that the turn
//	                   has ended
//	leases.go          Leases: renews the leases of running turns
//	record.go          what is recorded of how a turn was made; timings
//	record_size.go     what is left out of a record that would be too large
//	failure.go         what operators and callers see of a turn that did not succeed
//	observer.go        Observer: outcomes and counts of turns, for metrics
//	branch.go          copies the beginning of a conversation into a new one
//	recall.go          what the memory is asked, and which of its items the model may see
//	conversations.go   lists and deletes conversations, reads their turns
//	log.go             Turn: a stored turn with decoded messages
//	explain.go         what the record says of earlier messages that the host left out or changed for
//	                   the model; repeats these changes for an inspection
//	inspect.go         finds a turn, and rebuilds what the model saw in it
package bot
