package bounds

// MaxPlans is how many plans a host file may have.
const MaxPlans = 1000

// plans has the bounds of plans. host/config enforces them.
var plans = []Bound{
	{
		Name: "plans", What: "How many plans a host file has.",
		All: "1000", Key: "plan", Answer: "The host file is refused.",
	},
}
