package sdk

import "github.com/botyard/botyard/sdk/fault"

// Validator is the interface of a configuration struct that checks what its schema cannot say, such
// as two keys that exclude each other. The SDK calls Validate when a host checks a configuration,
// and before it opens an instance. Validate returns all mistakes, joined by errors.Join: each is a
// [fault.Error] whose Path is the key in the plugin's block. Validate has no effect and opens no
// connection. Env.DataDir names the folder for files. Validate may be called concurrently.
type Validator interface{ Validate(env Env) error }

// MaxConfigProblems bounds the mistakes that a plugin reports for one configuration.
const MaxConfigProblems = 100

// Problems returns the faults in an error that Validate returned, at most MaxConfigProblems. An
// error that is not a fault becomes fault.Invalid.
func Problems(err error) []*fault.Error {
	var out []*fault.Error
	var add func(error)
	add = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range joined.Unwrap() {
				add(one)
			}
			return
		}
		f := fault.Of(err)
		if f.Class == fault.Internal {
			f = fault.New(fault.Invalid, "%s", f.Message).At(f.Path...)
		}
		if len(out) < MaxConfigProblems {
			out = append(out, f)
		}
	}
	if err != nil {
		add(err)
	}
	return out
}
