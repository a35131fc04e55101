package config

// retention reads the one key of the storage's block that is the host's. What is
// wrong with it the tenant's schema has said.
func (a *tenantMerge) retention() {
	storage, _ := a.tree[storageBlock().key].(map[string]any)
	days, _ := storage[retentionKey].(int64)
	a.effective.RetentionDays = int(max(days, 0))
}

// MayRetain says whether a tenant with these documents can have retention_days: one has
// the key, or it is inherited. It is far cheaper than [Host.Tenant].
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
