package bounds

// MaxPlans is the maximum number of plans in a host file.
const MaxPlans = 1000

// plans has the bounds of plans. Package host/config enforces these bounds.
var plans = []Bound{
	{
		Name: "plans", What: "How many plans a host file has.",
		All: "1000", Key: "plan", Answer: "The host file is refused.",
	},
}
