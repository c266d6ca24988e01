"""What people's answers say, and how sure one may be of it: pure functions of arrays, a file for each question.

ranks          how well an order agrees with the one that was meant
agreement      how far people agree with each other, and with themselves
paired         two methods judged by the same people
crossed        intervals over people, over items, over both
bradley_terry  strengths out of comparisons of two
mixed          people and items as random effects at once
exclusions     whose answers do not count, by rules that are fixed beforehand
power          how many people a wanted effect needs
simulated      people who do not exist, for tests and for planning
"""
