// Package llmtest says whether an LLM plugin keeps the promises of [llm.LLM].
// Like storagetest it takes no *testing.T: [Test] answers an error with all that is
// wrong.
//
// It knows nothing of the model: with [Expect] a deterministic one is held to its
// replies, without it any reply will do. It costs about thirty short generations,
// and one long one that is canceled.
package llmtest
