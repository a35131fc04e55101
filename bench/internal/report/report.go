package report

import (
	"github.com/botyard/botyard/bench/internal/echocall"
	"github.com/botyard/botyard/bench/internal/library"
	"github.com/botyard/botyard/bench/internal/procfs"
)

// Report is what a run found. Parts that were left out are empty.
type Report struct {
	Machine  Machine         `json:"machine"`
	Quick    bool            `json:"quick"`
	Turns    []Turns         `json:"turns,omitempty"`
	Open     []Open          `json:"open_loop,omitempty"`
	Echo     []echocall.Row  `json:"echo_calls,omitempty"`
	Library  *library.Result `json:"library,omitempty"`
	Memory   []Memory        `json:"memory,omitempty"`
	Messages []Point         `json:"messages,omitempty"`
	Tenants  []Point         `json:"tenants,omitempty"`
	Storages []Turns         `json:"storages,omitempty"`
	Registry []Registry      `json:"registry,omitempty"`
	Depth    []Depth         `json:"depth,omitempty"`
	Counting *Paired         `json:"counting,omitempty"` // with metrics, and without
	Builds   *Paired         `json:"builds,omitempty"`   // this one, and another
	Profiles []Profile       `json:"profiles,omitempty"`
	Missing  string          `json:"missing,omitempty"` // why parts of it were left out
	Seconds  float64         `json:"seconds"`           // that the run took
}

// Machine is where it ran.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

// What is measured beside each other.
const (
	Host  = "host"
	Other = "other host"
	Floor = "floor"
	// FloorJoined relays the pieces that a host does: the first, and what was joined
	// after it. Floor relays each token by itself, as the model's interface gives it.
	FloorJoined = "floor, joined"
	OnSQLite    = "host on sqlite"
	OnPostgres  = "host on postgres"
	BarePgx     = "bare pgx"
)

// Turns is a closed loop: the median of the runs, which were made in turns with
// what it is compared to.
type Turns struct {
	What      string  `json:"what"`
	Tokens    int     `json:"tokens"` // 1 is answered at once, more are streamed
	Callers   int     `json:"callers"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"` // of a turn, as its caller waited for it
	// CPU is microseconds per turn by process; "load" is the generator's own.
	CPU map[string]float64 `json:"cpu_us"`
}

// Paired compares the CPU of a turn of two hosts. Each pair of short rounds, of one and of the
// other, gives a ratio.
type Paired struct {
	Ratio float64 `json:"ratio"` // the median of the pairs
	Low   float64 `json:"low"`   // it is between these two in 95 of 100 runs
	High  float64 `json:"high"`
	Turn  float64 `json:"turn_us"` // CPU of a turn of the other, plugins included, the median
	// Hosts are the medians of each two hosts that were compared: what processes of one
	// binary differ by is in them.
	Hosts []float64 `json:"hosts"`
	Pairs []float64 `json:"pairs"`
	CPU   []float64 `json:"-"` // of a turn of the other, of each pair
}

// Load names the load generator among processes.
const Load = "load"

// Used is the CPU of what is measured: all but the generator.
func Used(cpu map[string]float64) float64 {
	sum := 0.0
	for name, us := range cpu {
		if name != Load {
			sum += us
		}
	}
	return sum
}

// Open is an open loop of streamed turns. Times are in microseconds from when a
// turn was to be sent.
type Open struct {
	What      string    `json:"what"`
	PerSecond float64   `json:"per_second"`
	Turns     int64     `json:"turns"`
	First     Quantiles `json:"first_us"`
	Whole     Quantiles `json:"whole_us"`
	// Late is the generator's own delay, which is in the others too.
	Late Quantiles `json:"generator_us"`
}

// Quantiles of a histogram.
type Quantiles struct {
	P50 int64 `json:"p50"`
	P95 int64 `json:"p95"`
	P99 int64 `json:"p99"`
}

// Memory is what processes have resident at one time.
type Memory struct {
	When      string                   `json:"when"`
	Processes map[string]procfs.Memory `json:"processes"`
}

// Point is one point of a sweep: the median of the runs.
type Point struct {
	N         int     `json:"n"`
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_us"` // per turn, of the host and its plugins
	Setup     float64 `json:"setup_seconds"`
}

// Profile is what one process allocated per turn while it was profiled.
type Profile struct {
	Process string  `json:"process"`
	Allocs  float64 `json:"allocs"`
	Bytes   float64 `json:"bytes"`
	GCs     uint32  `json:"gcs"`
	Turns   int64   `json:"turns"`
}
