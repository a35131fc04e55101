package config

// layer is a source of configuration. A higher one overrides a lower one.
type layer uint8

const (
	builtIn layer = iota // lowest
	hostFile
	overlayFile
	environmentVariables
	planOfHostFile // the blocks of plans in the three layers above, which are merged after all defaults
	planOfOverlay
	planOfEnvironment
	tenantLayer
	ownLayer
)

// isTenants reports whether the layer is one of the tenant's documents.
func (l layer) isTenants() bool { return l == tenantLayer || l == ownLayer }

// String returns the name that messages and explain have for the layer.
func (l layer) String() string {
	return [...]string{"built-in defaults", "host file", "overlay file", "environment", "plan", "plan", "plan", "tenant", "tenant's own settings"}[l]
}

// source is one document and the layer that it is.
type source struct {
	layer layer
	doc   *Document
}
