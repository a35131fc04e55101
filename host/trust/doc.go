// Package trust says who but a host and root may change or read the files that the host
// runs, believes or keeps secret. It looks at owners and modes, of the file and of all
// folders and links on the way to it. What a file's group may do is its owner's business:
// volumes of containers are shared by their group.
package trust
