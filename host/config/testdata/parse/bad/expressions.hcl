a = 1 + 2
b = upper("x")
c = var.name
d = "x ${b} y"
e = true ? 1 : 2
f = [for x in [1] : x]
g = (1)
h = !true
i = "${b}"
j = env("A", "B")
k = env(1)
l = env("not a name")
m = file("")
n = file(["x"]...)
o = { (a) = 1 }
p = { 1 = 2 }
q = [1][0]
r = "%{ if true }x%{ endif }"
s = -true
t = file("a}b")
u = -"x"
