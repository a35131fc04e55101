package config

// retention reads the host's key of the storage's block. The tenant's schema has checked it.
func (a *tenantMerge) retention() {
	storage, _ := a.tree[storageBlock().key].(map[string]any)
	days, _ := storage[retentionKey].(int64)
	a.effective.RetentionDays = int(max(days, 0))
}

// MayRetain reports whether a tenant with these documents may have retention_days: one of them
// has the key, or it is inherited. It costs far less than [Host.Tenant].
func (h *Host) MayRetain(docs Documents) bool {
	key := storageBlock().key
	plans, _ := h.hostMerge.tree[planKey].(map[string]any)
	plan, _ := h.planOf(docs.Operator)
	for _, inherited := range []any{h.hostMerge.tree[defaultsKey], plans[plan]} {
		tree, _ := inherited.(map[string]any)
		if storage, _ := tree[key].(map[string]any); storage[retentionKey] != nil {
			return true
		}
	}
	return docs.at(Path{key, retentionKey}) != nil
}
