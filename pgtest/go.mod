module github.com/botyard/botyard/pgtest

go 1.26.0
