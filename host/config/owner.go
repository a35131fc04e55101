package config

// owner reads whose conversations are. What is wrong with it the tenant's schema has said;
// a null gives the built-in default back.
func (a *assembly) owner() {
	conversations, _ := a.tree["conversations"].(map[string]any)
	a.effective.Owner = OwnerUser
	if conversations["owner"] == OwnerTenant {
		a.effective.Owner = OwnerTenant
	}
}
