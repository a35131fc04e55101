// Package e2e tests the product as it is shipped: the botyard binary and its
// plugin binaries, as processes, over HTTP. It has nothing but tests.
package e2e
