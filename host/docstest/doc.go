// Package docstest holds the documentation to the product: its tests run the
// commands of README.md and docs/ in a fresh copy of the tree, check the
// configurations with the real binary, compile the programs, and follow the links.
//
// A comment on the line before a block says what a reader sees from the text:
//
//	<!-- file: PATH -->        the block is written to PATH before what follows runs
//	<!-- output -->            it is what the commands above it print; ... is anything
//	<!-- type: NAME -->        it is the JSON of that type of package api
//	<!-- part of: PATH -->     it is a part of that file, however that is indented
//	<!-- invalid -->           it is a configuration that must be refused
//	<!-- hosts: N -->          its commands start N hosts in the background
//	<!-- not run: REASON -->   nothing is done with it
//
// Anywhere in a page, <!-- holds: PATH: NAME = VALUE --> says that a sentence stands
// on a name of the source having that value. PATH is a file or a package's folder.
//
// The files, each with what it checks:
//
//	page_test.go        how a page is read; which marks and languages there are
//	command_test.go     the commands of each page run, and print what the page says
//	config_test.go      configurations are valid, or refused; JSON has the fields of its type
//	go_block_test.go    Go of a page is compiled, or is a part of a file that is
//	holds_test.go       what a mark <!-- holds --> says is so
//	inline_test.go      commands in sentences and tables exist, with their flags
//	message_test.go     messages that docs/operations.md quotes are in the source
//	diagram_test.go     functions that sequence diagrams name exist
//	test_names_test.go  tests that pages name exist
//	named_file_test.go  files that pages name exist
//	link_test.go        links lead to a file and a heading
//	api_test.go         routes and statuses of docs/api.md are those of the API
//	protocol_test.go    constants of docs/plugins.md are those of the SDK
//	dependency_test.go  each dependency has its reason in docs/architecture.md
//	bounds_test.go      each bound has a test that goes beyond it
//	make_test.go        the Makefile has the targets that pages name, each with a line of help
//	machine_test.go     no file of the tree names a machine
//	checkout_test.go    builds the binaries; copies the tree as somebody has it who cloned it
//
// configdoc is the program that writes docs/configuration.md and docs/bounds.md, and the keys
// in docs/plugins.
package docstest
