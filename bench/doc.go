// Command bench measures a real host: the botyard binary and its plugins, driven
// over HTTP from this process, next to the floor (the same turns with everything in
// one process) and to the bare go-plugin call. See docs/performance.md.
package main
