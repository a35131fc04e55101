// Package bot runs turns. A [Bot] is assembled for one tenant at one revision of its
// configuration. It keeps nothing of a conversation between turns.
//
// # The life of a turn
//
// These are the steps of [Bot.Chat], and the function of each. All of them run in the
// caller's goroutine.
//
//	check       Request.check         is the request well formed
//	admission   Admission.admit       waits for the tenant's limits, and for the conversation
//	lease       Parts.Hold            renews the turn's lease from here to its end
//	begin       turn.begin            the storage keeps the user's message, takes the
//	                                  conversation and returns the tail, or replays a reply
//	recall      turn.recall           the memory chooses which messages the model sees
//	compose     compose               system prompt, recalled messages, new message
//	generate    turn.callModel        the model replies; each piece goes through
//	                                  turn.receive, accept and deliver, to the caller's emit
//	commit      turn.commit           the turn joins the log, and the conversation is free
//
// A turn that has begun is ended in every case: by turn.commit as succeeded, failed or
// interrupted; by turn.abandon if a panic breaks it off; in the background, as an orphan, if
// the storage does not answer.
//
// # The files
//
//	bot.go             what a bot is made of (Parts), New; the tenant that every call is
//	                   stamped with
//	chat.go            Bot.Chat: the order of check, admission, lease and run; the turn's timeout
//	turn.go            state of one turn; turn.run: the order of begin, generate and commit
//	request.go         Request, and what is refused in it; ids; the digest of an idempotency key
//	admission.go       Admission: whether a turn runs, waits or is refused; turns per minute;
//	                   one turn at a time in a conversation
//	owner.go           which user sees which conversation
//	begin.go           the storage's Begin: busy conversations, repetition, replay
//	generate.go        recall, compose and the call of the model; where messages are left out
//	                   because of their bytes
//	reply.go           Reply; how the pieces of a reply are delivered and put together
//	reply_budget.go    where a reply is cut because of its bytes
//	token_budget.go    where one reply is cut because of its tokens (reply_tokens); nothing
//	                   adds up tokens over turns
//	token_timeout.go   when a silent provider, or a wait in a plugin's queue, ends the call
//	model_retry.go     whether the model is called again after its plugin's process ended
//	clean.go           replaces bytes that no storage can keep in everything that plugins return
//	held_bytes.go      HeldBytes: bounds of the memory for tails and replies of all tenants
//	commit.go          the storage's Commit: in which state a turn ends, and what is sent if
//	                   the storage refuses that
//	orphan.go          orphan turns are ended in the background
//	orphan_cap.go      OrphanCap: how many orphans there may be
//	retry.go           how often and for how long calls of the storage are repeated
//	storage_errors.go  which errors of the storage are repeated, and which mean that the turn
//	                   has ended
//	leases.go          Leases: renews the leases of running turns
//	record.go          what is recorded of how a turn was made; timings
//	failure.go         what operators and callers are told of a turn that did not succeed
//	observer.go        Observer: outcomes and counts of turns, for metrics
//	conversations.go   lists and deletes conversations, reads their turns
//	inspect.go         finds a turn, and rebuilds what the model saw in it
package bot
