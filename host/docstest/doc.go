// Package docstest tests that the documentation is true: its tests run the commands of
// README.md and docs/ in a new copy of the tree, check the configurations with the real binary,
// compile the programs, and follow the links.
//
// A comment on the line before a block tells the tests how to check the block:
//
//	<!-- file: PATH -->        the block is written to PATH before the next commands run
//	<!-- output -->            the block is the output of the commands above; ... is any text
//	<!-- type: NAME -->        the block is the JSON of the type NAME of package api
//	<!-- part of: PATH -->     the block is a part of the file PATH, with any indentation
//	<!-- invalid -->           the block is a configuration that must be refused
//	<!-- hosts: N -->          the commands of the block start N hosts in the background
//	<!-- fault -->             the trailers of an error; <!-- fault bytes --> has their bytes
//	<!-- not run: REASON -->   the tests ignore the block
//
// Anywhere in a page, <!-- holds: PATH: NAME = VALUE --> says that a sentence of the page is
// true only while NAME in the source has this value. PATH is a file or the folder of a package.
//
// The files, each with what its tests check:
//
//	page_test.go        how a page is read; which marks and languages exist
//	command_test.go     the commands of each page run, and print what the page says
//	config_test.go      configurations are valid, or refused; JSON has the fields of its type
//	go_block_test.go    Go of a page is compiled, or is a part of a file that is compiled
//	holds_test.go       names in the source have the values that the marks <!-- holds --> say
//	go_source_test.go   reads the values that names have in the source
//	inline_test.go      commands in sentences and tables exist, with their flags
//	message_test.go     messages that docs/operations.md quotes are in the source
//	diagram_test.go     functions that sequence diagrams name exist
//	test_names_test.go  tests that pages name exist
//	named_file_test.go  files that pages name exist
//	link_test.go        links lead to a file and a heading
//	api_test.go         routes and statuses of docs/api.md are those of the API
//	protocol_test.go    constants of docs/protocol.md are those of the SDK
//	dependency_test.go  each dependency has its reason in docs/architecture.md
//	fault_test.go       the bytes of an error in docs/protocol.md are those that the host reads
//	bounds_test.go      each bound has a test that goes beyond it
//	breaking_test.go    tools/breaking.sh refuses what breaks the recorded protocol
//	make_test.go        the Makefile has the targets that pages name, each with a line of help
//	machine_test.go     no file of the tree names the machine on which it was written
//	checkout_test.go    builds the binaries; copies the tree as a user has it who cloned it
//
// configdoc is the program that writes docs/configuration.md, docs/bounds.md and
// docs/protocol.md, and the keys in docs/plugins.
package docstest
