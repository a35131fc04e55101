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
// configdoc, below, is the program that makes docs/configuration.md.
package docstest
