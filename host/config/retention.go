package config

// retention sets Effective.RetentionDays from conversation_storage.retention_days. The tenant
// schema has already checked the value.
func (a *tenantMerge) retention() {
	storage, _ := a.tree[storageBlock().path[0]].(map[string]any)
	days, _ := storage[retentionKey].(int64)
	a.effective.RetentionDays = int(max(days, 0))
}

// MayRetain reports whether retention_days can be set for a tenant with these documents: in one
// of the documents, in its plan or in the defaults. It is much cheaper than [Host.Tenant].
func (h *Host) MayRetain(docs Documents) bool {
	key := storageBlock().path[0]
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
