package config

// layer is a source of configuration; a higher one overrides a lower one.
type layer uint8

const (
	builtIn layer = iota
	hostFile
	overlayFile
	environmentVariables
	planOfHostFile // plan blocks of these three layers, which are merged after all defaults
	planOfOverlay
	planOfEnvironment
	tenantLayer
	ownLayer
)

// isTenants reports whether the layer is one of the tenant's documents.
func (l layer) isTenants() bool { return l == tenantLayer || l == ownLayer }

func (l layer) String() string {
	return [...]string{"built-in defaults", "host file", "overlay file", "environment", "plan", "plan", "plan", "tenant", "tenant's own settings"}[l]
}

type source struct {
	layer layer
	doc   *Document
}
