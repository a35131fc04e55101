module github.com/botyard/botyard/examples/migrate

go 1.26.0
