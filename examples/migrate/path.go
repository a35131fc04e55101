package main

import (
	"errors"
	"slices"
	"strings"
)

// currentPath returns the messages from the root of the conversation's tree to its current node. They
// are what the library shows a model. others is the number of messages on other branches.
func currentPath(s state, say func(string, ...any)) (path []node, others int, err error) {
	if len(s.Nodes) == 0 {
		return nil, 0, errors.New("it has no messages")
	}
	byID := make(map[string]node, len(s.Nodes))
	for _, n := range s.Nodes {
		byID[n.ID] = n
	}
	parents := map[string]string{}
	for _, e := range s.Edges {
		if len(e) == 2 && e[0] != e[1] {
			parents[e[1]] = e[0]
		}
	}
	at, ok := byID[s.Current]
	if !ok {
		at = s.Nodes[len(s.Nodes)-1]
		say("its current message %q is not there; the last one that was stored is taken", s.Current)
	}
	seen := map[string]bool{}
	for {
		if seen[at.ID] {
			return nil, 0, errors.New("its messages are in a circle")
		}
		seen[at.ID] = true
		path = append(path, at)
		parent, known := parents[at.ID]
		if !known && at.ID != "" { // the id of a message is its path from the root, as in 0.1.2
			parent, _, _ = cutLast(at.ID, ".")
			known = true
		}
		next, there := byID[parent]
		if !known || at.ID == "" || !there {
			break
		}
		at = next
	}
	slices.Reverse(path)
	return path, len(byID) - len(path), nil
}

// cutLast splits a text at the last separator. If there is none, before is empty and after is the text.
func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return "", text, false
}
