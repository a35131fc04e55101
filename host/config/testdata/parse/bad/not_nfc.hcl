raw       = "paéss"
escaped   = "e\u0301"
long      = "x \\ e\U00000301"
angstrom  = "Å"
list      = ["fine", "é"]
object    = { "é" = 1 }
secret    = file("é")
heredoc   = <<-END
    fine
    é
    END
backslash = "e\\u0301"
fine      = "\u00e9 é"
literal   = <<END
e\u0301
END
block "é" {
  a = 1
}
