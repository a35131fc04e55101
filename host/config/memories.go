package config

// MemoriesOf returns the memory plugins that a tenant with these documents may have: those that the
// documents, the tenant's plan or the defaults name. It is much cheaper than [Host.Tenant].
func (h *Host) MemoriesOf(docs Documents) (names []string) {
	block := blockOfKind("memory")
	key, selector := block.path[0], block.selector
	plans, _ := h.hostMerge.tree[planKey].(map[string]any)
	plan, _ := h.planOf(docs.Operator)
	for _, inherited := range []any{h.hostMerge.tree[defaultsKey], plans[plan]} {
		tree, _ := inherited.(map[string]any)
		memory, _ := tree[key].(map[string]any)
		if name, ok := memory[selector].(string); ok {
			names = append(names, name)
		}
	}
	if e := docs.at(Path{key, selector}); e != nil {
		if name, ok := e.value.(string); ok {
			names = append(names, name)
		}
	}
	return names
}
