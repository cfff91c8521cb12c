"""`/try`: the page that sells one picture to a person with a browser. Plain JavaScript modules, no build step."""
