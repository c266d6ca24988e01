"""The methods that EmotiCrafter is compared with: all train on the same material and make pictures through the same interface."""

from emoticrafter.rivals.base import METHODS, About, Rival
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.opening import open_method, train_method

__all__ = ["METHODS", "About", "Budget", "Learned", "Rival", "open_method", "train_method"]
