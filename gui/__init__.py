"""The Qt window: a client of the station that holds no state of its own.

link/     the connection: values in through a mailbox, commands out on threads of their own
model/    what the window knows: readings, the run's points, notices
actions/  every command of the window as data: menus, buttons, keys and palette share it
theme/    colours, fonts, shapes of states
widgets/  small parts that the panels share
panels/, sweep/, editor/, runs/, log/   what the operator sees
window    puts it together
"""
